"use server";

import { tasks } from "../nested/tasks.ts";

export async function runTask(form: FormData): Promise<void> {
  await tasks[String(form.get("name"))]?.();
}
