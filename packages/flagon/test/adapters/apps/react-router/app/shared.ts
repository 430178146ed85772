import { sessionContext } from "flagon/react-router";
import type { LoaderFunctionArgs } from "react-router";
import { sharedAnswer } from "../../shared-answers.ts";

/** Answers with what all requests share, thrown or returned. */
export function loader({ request, context }: LoaderFunctionArgs): Response {
  return sharedAnswer(new URL(request.url).pathname, () => context.get(sessionContext));
}
