// What must not pass: with this the check of the other files is known to see something.
import type { Session } from "flagon";

export const wrong = (session: Session<{ username: string }>): number | undefined => session.get("username");
