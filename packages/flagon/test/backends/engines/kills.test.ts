import { cases, testKills } from "./kills.ts";

/* The long tests have two hundred clients, and all cases. */
const some = cases.filter(({ setting, driver, promises }) => {
  if (driver === "pg") return setting === "synchronous_commit = on";
  return driver === "ioredis" ? setting === "as it is" : promises && setting.includes("cut off");
});

testKills(some, { clients: 40, writes: 5 });
