import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { deviceName } from "../../src/state/device-name.ts";

describe("deviceName", () => {
  test.each<[agent: string | null | undefined, device: string | null]>([
    ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"],
    [
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
      "Chrome on Windows",
    ],
    [
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0",
      "Edge on Windows",
    ],
    [
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
      "Safari on Mac",
    ],
    [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
      "Safari on iPhone",
    ],
    [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/138.0 Mobile/15E148 Safari/604.1",
      "Chrome on iPhone",
    ],
    [
      "Mozilla/5.0 (Linux; Android 15; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
      "Samsung Internet on Android",
    ],
    [
      "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
      "Chrome on ChromeOS",
    ],
    [
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/136.0.0.0 Safari/537.36 Vivaldi/7.4.3684.46",
      "Vivaldi on Windows",
    ],
    [
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/136.0.0.0 YaBrowser/25.6.0.0 Safari/537.36",
      "Yandex Browser on Windows",
    ],
    [
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763",
      "Edge on Windows",
    ],
    [
      "Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1.6.1 Mobile HuaweiBrowser/5.0.4.300",
      "Huawei Browser on HarmonyOS",
    ],
    [
      "Mozilla/5.0 (Linux; Android 10; HarmonyOS; ELS-AN00; HMSCore 6.4.0.312) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/88.0.4324.93 HuaweiBrowser/12.0.4.1 Mobile Safari/537.36",
      "Huawei Browser on HarmonyOS",
    ],
    [
      "Mozilla/5.0 (SMART-TV; LINUX; Tizen 7.0) AppleWebKit/537.36 (KHTML, like Gecko) 94.0.4606.31/7.0 TV Safari/537.36",
      "Samsung TV",
    ],
    [
      "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/108.0.5359.211 Safari/537.36 WebAppManager",
      "LG TV",
    ],
    [
      "Mozilla/5.0 (Linux; Android 9; AFTKA) AppleWebKit/537.36 (KHTML, like Gecko) Silk/126.3.1 like Chrome/126.0.6478.71 Safari/537.36",
      "Fire TV",
    ],
    [
      "Mozilla/5.0 (Linux; Android 12; BRAVIA 4K VH2) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
      "Android TV",
    ],
    ["Roku/DVP-12.5 (12.5.5.4178-C2)", "Roku"],
    ["AppleTV11,1/11.1", "Apple TV"],
    [
      "Mozilla/5.0 (PlayStation; PlayStation 5/2.26) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.0 Safari/605.1.15",
      "PlayStation 5",
    ],
    [
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox Series X) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0",
      "Xbox Series X",
    ],
    [
      "Mozilla/5.0 (Nintendo Switch; WifiWebAuthApplet) AppleWebKit/609.4 (KHTML, like Gecko) NF/6.0.2.21.3 NintendoBrowser/5.1.0.22474",
      "Nintendo Switch",
    ],
    ["curl/8.5.0", "curl"],
    ["python-requests/2.32", "python-requests"],
    ["<script>alert(1)</script>", null],
    ["", null],
    [null, null],
    [undefined, null],
  ])("reads %j as %j", (agent, device) => {
    expect(deviceName((name) => (name === "user-agent" ? agent : null))).toBe(device);
  });

  const chrome =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36";

  test.each([
    ['"Not;A=Brand";v="99", "Brave";v="139", "Chromium";v="139"', chrome, "Brave on Windows"],
    ['"Google Chrome";v="139", "Not=A?Brand";v="8", "Chromium";v="139"', chrome, "Chrome on Windows"],
    ['"Chromium";v="139", "Not;A=Brand";v="24", "Microsoft Edge";v="139"', chrome, "Edge on Windows"],
    ['"Chromium";v="139", "Google Chrome";v="139"', `${chrome} Vivaldi/7.4`, "Vivaldi on Windows"],
    ['"Chromium";v="139", "Not;A=Brand";v="24"', chrome, "Chrome on Windows"],
    ['"<script>";v="1", ""', chrome, "Chrome on Windows"],
  ])("takes the brand that Sec-CH-UA %j has", (brands, agent, device) => {
    expect(deviceName((name) => ({ "sec-ch-ua": brands, "user-agent": agent })[name])).toBe(device);
  });

  test("of any text is short and plain, or nothing", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: "binary" })), (agent) => {
        expect(deviceName(() => agent) ?? "").toMatch(/^[\w. -]{0,40}$/);
      }),
    );
    expect(deviceName(() => "a".repeat(1_000_000))).toHaveLength(40);
  });
});
