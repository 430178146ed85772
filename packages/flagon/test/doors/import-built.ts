const loader: string = "data:text/javascript,export const load = (url) => import(url)";

/** Imports what a framework has built as Node does it, past the test runner, which would transform it once more. */
export async function importBuilt<T>(url: URL): Promise<T> {
  const { load }: { load(url: string): Promise<T> } = await import(loader);
  return await load(url.href);
}
