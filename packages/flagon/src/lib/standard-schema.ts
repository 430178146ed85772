import { copyOf } from "./values.ts";

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

type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string; readonly path?: readonly unknown[] | undefined }[] };

/** A schema at work on a session's data. */
export interface DataCheck {
  /** What the schema makes of the data; null for data that fails. */
  read(data: Record<string, unknown>): Record<string, unknown> | null;
  /** Throws a `TypeError` that says what is wrong with the data. */
  check(data: Record<string, unknown>): void;
}

/** Throws a `TypeError` for a schema that is asynchronous or refuses `{}`, which is what each new session holds. */
export function createDataCheck<Output extends object>(schema: StandardSchema<Output>): DataCheck {
  if (typeof schema?.["~standard"]?.validate !== "function") {
    throw new TypeError("schema must be a Standard Schema, as Zod and Valibot make them");
  }
  const validate = (data: Record<string, unknown>): SchemaResult<Output> => {
    const result = schema["~standard"].validate(data);
    if (result instanceof Promise) throw new TypeError("schema is asynchronous; it must answer at once");
    return result;
  };
  const empty = validate({});
  if (empty.issues !== undefined) {
    throw new TypeError(`schema refuses {}, which a new session holds (${describe(empty)}); make each key optional`);
  }
  if (!isObject(empty.value)) throw new TypeError("schema must make an object of {}");
  return {
    read: (data) => {
      const result = validate(data);
      // A copy: validators hand out one and the same default to everyone, and what one visitor adds to it is for no other.
      return result.issues === undefined ? (copyOf(result.value) as Record<string, unknown>) : null;
    },
    check: (data) => {
      const result = validate(data);
      if (result.issues !== undefined) throw new TypeError(`the session does not fit the schema: ${describe(result)}`);
    },
  };
}

function describe(result: SchemaResult<unknown>): string {
  return (result.issues ?? [])
    .map(({ message, path }) => (path ? `${path.map(keyOf).join(".")}: ${message}` : message))
    .join("; ");
}

/** A step of an issue's path: a key, or an object that holds one. */
function keyOf(step: unknown): string {
  return String(typeof step === "object" && step !== null && "key" in step ? step.key : step);
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
