export {
  type AdapterApp,
  type AdapterReply,
  type AdapterRoute,
  type AdapterTraits,
  adapterConformance,
  type RunningAdapter,
  type ServeAdapter,
} from "./lib/conformance/adapter.ts";
export type { ConformanceCase } from "./lib/conformance/check.ts";
export { storeConformance } from "./lib/conformance/store.ts";
export type { MakeStore, StoreConditions, StoreConformanceOptions } from "./lib/conformance/store-bench.ts";
