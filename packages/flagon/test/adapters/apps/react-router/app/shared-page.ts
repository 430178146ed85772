/** The same below a page, where React Router makes an answer of its own of what is thrown. */
export { loader } from "./shared.ts";

export default function Page(): string {
  return "a page";
}
