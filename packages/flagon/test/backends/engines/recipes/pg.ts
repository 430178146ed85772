import pg from "pg";

/** Whatever the server is set to: a commit in this Pool is answered when it is on the disk. */
export const openPool = (connectionString: string) =>
  new pg.Pool({ connectionString, options: "-c synchronous_commit=on" });
