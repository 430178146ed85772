/** In the order in which they are looked for: each browser also calls itself by the names of those after it. */
const browsers: readonly (readonly [RegExp, string])[] = [
  [/\bVivaldi\//, "Vivaldi"],
  [/\bYaBrowser\//, "Yandex Browser"],
  [/\bHuaweiBrowser\//, "Huawei Browser"],
  [/\bMiuiBrowser\//, "Mi Browser"],
  [/\b(?:DuckDuckGo|Ddg)\//, "DuckDuckGo"],
  [/\bSilk\//, "Silk"],
  [/\bEdg(?:e|A|iOS)?\//, "Edge"],
  [/\b(?:OPR|OPT|OPX|Opera)\//, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\b(?:Firefox|FxiOS|Focus|Klar)\//, "Firefox"],
  [/\b(?:Chrome|Chromium|CriOS|HeadlessChrome)\//, "Chrome"],
  [/\bSafari\//, "Safari"],
];

/** What a browser's brand in Sec-CH-UA is called here, where that is not its own name. */
const brands: Readonly<Record<string, string>> = {
  "Google Chrome": "Chrome",
  HeadlessChrome: "Chrome",
  "Microsoft Edge": "Edge",
  YaBrowser: "Yandex Browser",
  Yandex: "Yandex Browser",
};

/** Televisions and consoles: whoever signs in there looks for the thing, and not for the browser in it. */
const appliances: readonly (readonly [RegExp, string])[] = [
  [/\bPlayStation (?:Vita|\d)/i, ""],
  [/\bXbox (?:One|Series [XS])/, ""],
  [/\bXbox\b/, ""],
  [/\bNintendo (?:Switch|WiiU|3DS)/, ""],
  [/\bApple ?TV/, "Apple TV"],
  [/\bRoku\b/, "Roku"],
  [/\bCrKey\//, "Chromecast"],
  [/\bAFT[A-Z]/, "Fire TV"],
  [/\b(?:SMART-TV|SmartTV)\b.*\bTizen\b|\bTizen\b.*\bTV\b/i, "Samsung TV"],
  [/\bWeb0S\b/, "LG TV"],
  [/\b(?:Android ?TV|GoogleTV|BRAVIA)\b/, "Android TV"],
  [/\b(?:SmartTV|SMART-TV|HbbTV|NetCast|DTV)\b/i, "TV"],
];

const systems: readonly (readonly [RegExp, string])[] = [
  [/\b(?:HarmonyOS|OpenHarmony)\b/, "HarmonyOS"],
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bWindows\b/, "Windows"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\b(?:Macintosh|Mac OS X)\b/, "Mac"],
  [/\bTizen\b/, "Tizen"],
  [/\bKAIOS\b/i, "KaiOS"],
  [/\bLinux\b/, "Linux"],
];

/** Longer than any browser's; a visitor can send anything. */
const AGENT_MAX = 1_000;

/**
 * A short reading of User-Agent and Sec-CH-UA for a person's list of devices, such as "Firefox on Linux" or "PlayStation 5"; null
 * when they say nothing. `header` gives a request's header by its name in lower case.
 */
export function deviceName(header: (name: string) => string | null | undefined): string | null {
  const userAgent = (header("user-agent") ?? "").slice(0, AGENT_MAX);
  const appliance = read(appliances, userAgent);
  if (appliance !== undefined) return appliance;
  const named = read(browsers, userAgent);
  // Brave and others call themselves Chrome, but for their brand.
  const browser = named === undefined || named === "Chrome" ? (brandIn(header("sec-ch-ua")) ?? named) : named;
  const system = read(systems, userAgent);
  if (browser !== undefined && system !== undefined) return `${browser} on ${system}`;
  // A tool names itself first, such as "curl/8.5.0"; anything longer is not worth a person's eyes.
  return browser ?? system ?? /^[\w.-]{1,40}/.exec(userAgent)?.[0] ?? null;
}

/** The name of the first that is found, or where it has none what was found. */
function read(known: readonly (readonly [RegExp, string])[], userAgent: string): string | undefined {
  for (const [pattern, name] of known) {
    const found = pattern.exec(userAgent)?.[0];
    if (found !== undefined) return name || found;
  }
  return undefined;
}

/** The brand that is neither the engine's nor the one that is made up to keep readers honest ("Not;A=Brand"). */
function brandIn(list: string | null | undefined): string | undefined {
  const all = (list ?? "").slice(0, AGENT_MAX).matchAll(/"([^"]*)";v="/g);
  for (const [, brand = ""] of all) {
    if (/^[A-Z][A-Za-z ]{1,29}$/.test(brand) && !/^Not\b|^Chromium$|WebView/.test(brand)) return brands[brand] ?? brand;
  }
  return undefined;
}
