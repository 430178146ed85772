import { copyOf } from "../formats/values.ts";

/**
 * What a validator looks like to Flagon: the Standard Schema interface, version 1 (standardschema.dev), which Zod,
 * Valibot, ArkType and others speak. Only the part that is used.
 */
export interface StandardSchema<Output> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

type SchemaResult<Output> = { readonly value: Output; readonly issues?: undefined } | { readonly issues: Issues };

type Issues = readonly { readonly message: string; readonly path?: readonly unknown[] | undefined }[];

/** A schema at work on a session's data. */
export interface DataCheck {
  /** What the schema makes of the data; null for data that fails. */
  read(data: Record<string, unknown>): Record<string, unknown> | null;
  /** Throws a `TypeError` that says what is wrong with the data. */
  check(data: Record<string, unknown>): void;
}

/** Throws a `TypeError` for a schema that is asynchronous or refuses `{}`, which is what each new session holds. */
export function createDataCheck<Output extends object>(schema: StandardSchema<Output>): DataCheck {
  const check = (data: Record<string, unknown>, what = "the session's data"): void => {
    const made = apply(schema, data);
    if (typeof made === "string") throw new TypeError(`schema refuses ${what}: ${made}`);
  };
  // What each new session holds.
  check({}, "{} (make each key optional)");
  return {
    read: (data) => {
      const made = apply(schema, data);
      // A copy: validators hand out one and the same default to everyone, and what one visitor adds to it is for no other.
      return typeof made === "string" ? null : copyOf(made);
    },
    check,
  };
}

/** What the schema makes of the data, or what is wrong with it. */
function apply(schema: StandardSchema<object>, data: Record<string, unknown>): object | string {
  // A promise has neither, nor has what is no schema.
  const { issues, value } = (schema?.["~standard"]?.validate?.(data) ?? {}) as {
    readonly issues?: Issues;
    readonly value?: unknown;
  };
  if (issues) {
    return issues
      .map(({ message, path = [] }) => [...path.map((step) => String(Object(step).key ?? step)), message].join(": "))
      .join("; ");
  }
  if (value === Object(value) && !Array.isArray(value)) return value as object;
  return "no Standard Schema that answers at once with an object";
}
