import pg from "pg";

/** Whatever the server is set to: a commit in this Pool is answered when it is on the disk. */
export function openPool(connectionString: string): pg.Pool {
  const pool = new pg.Pool({ connectionString, options: "-c synchronous_commit=on" });
  // An idle connection was lost; the next query opens another one.
  pool.on("error", (error) => console.error(`PostgreSQL: ${error.message}`));
  return pool;
}
