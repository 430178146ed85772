/** Longer than any origin. */
const SHOWN_MAX = 300;

/** What a visitor sent, cut, and with nothing in it that a page, a terminal or a log could take for more than text. */
export function printable(text: string): string {
  return text.slice(0, SHOWN_MAX).replace(/[^\w.:;,=/[\] -]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
}
