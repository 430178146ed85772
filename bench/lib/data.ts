/** Session data whose JSON has about so many bytes: some structure, the rest short texts. */
export function dataOf(bytes: number): Record<string, unknown> {
  const data: Record<string, unknown> = { name: "Ada Lovelace", visits: 12 };
  if (bytes >= 256) {
    data.roles = ["admin", "editor"];
    data.cart = [
      { sku: "a-1", count: 2, price: 19.9 },
      { sku: "b-7", count: 1, price: 5 },
    ];
  }
  for (let i = 0; JSON.stringify(data).length < bytes - 24; i++) data[`k${i}`] = `value ${i * 7919}`;
  const missing = bytes - JSON.stringify(data).length - ',"z":""'.length;
  if (missing > 0) data.z = "z".repeat(missing);
  return data;
}
