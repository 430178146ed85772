import { session } from "flagon/sveltekit";
import { sessions } from "../../current.ts";

export const handle = session(sessions);
