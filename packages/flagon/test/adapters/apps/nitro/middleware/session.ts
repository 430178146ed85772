import { session } from "flagon/h3";
import { sessions } from "../../current.ts";

export default session(sessions);
