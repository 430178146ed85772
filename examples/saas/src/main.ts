import "./jsx.ts";

// Imports are resolved before anything runs, and Node can't read .tsx until the hook above is in place.
const { start } = await import("./server.ts");
await start(process.env);
