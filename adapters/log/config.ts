import * as z from "zod";

export const config = z
  .strictObject({
    stream: z.enum(["stdout", "stderr"], "`stdout` or `stderr`").optional(),
    file: z.string("write a path").min(1, "write a path").optional(),
  })
  .superRefine(({ stream, file }, context) => {
    if (stream === undefined && file === undefined) {
      context.addIssue({
        code: "custom",
        path: [],
        message: "say where to: `stream: stdout`, `stream: stderr`, or `file:` with a path",
      });
    }
    if (stream !== undefined && file !== undefined) {
      context.addIssue({
        code: "custom",
        path: ["file"],
        message: "a log goes to a stream or to a file; use two handlers for both",
      });
    }
  });
