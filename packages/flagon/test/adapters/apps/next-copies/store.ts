import { memoryStore } from "flagon/memory";

const shared = globalThis as { sessionStore?: ReturnType<typeof memoryStore> };
shared.sessionStore ??= memoryStore();

export const store = shared.sessionStore;
