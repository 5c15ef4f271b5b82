import { expect, test } from "vitest";
import { formatType } from "../attribute/type.ts";
import { readType } from "./type-text.ts";

test.each([
  ["int", "int"],
  ["map(string,int)", "map(string, int)"],
  ["map( string , list(map(int,dyn)) )", "map(string, list(map(int, dyn)))"],
  ["list(list(int))", "list(list(int))"],
  ["optional(dyn)", "optional_type(dyn)"],
  ["optional_type(dyn)", "optional_type(dyn)"],
  ["type", "type(dyn)"],
  ["type(int)", "type(int)"],
  ["ip", "net.IP"],
  ["net.CIDR", "net.CIDR"],
  ["google.protobuf.Duration", "duration"],
])("the type %s is %s", (text, shown) => {
  const type = readType(text);
  expect(type && formatType(type)).toBe(shown);
});

test.each([
  ...["", "integer", "list", "list()", "list(int", "list(int))", "list(int, int)", "map(int)"],
  ...["map(int, int, int)", "(int)", "array(int)", "int()", `${"list(".repeat(10_000)}int${")".repeat(10_000)}`],
])("%s is no type", (text) => {
  expect(readType(text)).toBeUndefined();
});
