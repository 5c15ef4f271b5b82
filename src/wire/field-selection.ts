import { type FieldInfo, type IMessageType, ScalarType, WireType } from "@protobuf-ts/runtime";

/** One row of a door's table. Slots are numbered in the order of the rows. */
export interface FieldRow {
  /** Names as in the .proto file, from the message down: `attributes.request.http.path`. */
  readonly path: string;
  /**
   * Of a repeated message with a field `key` or `name`: the entries with these keys are noted, each in a slot of its own, in this order. Keys
   * that are not well-formed text are never found, nor, with `ignoreCase`, those that are not ASCII in lower case.
   */
  readonly keys?: readonly string[];
  /** Keys are compared without regard to the case of ASCII letters, as names of headers are. */
  readonly ignoreCase?: boolean;
}

/** Rows made ready for walking; made once per snapshot. */
export interface FieldSelection {
  readonly root: MessageNode;
  readonly slots: number;
  /** The first slot of each row. */
  readonly firstSlots: readonly number[];
}

/** A message: its fields by number. */
export interface MessageNode {
  readonly fields: (NodeField | undefined)[];
  /** Some row goes through it. The nodes of messages that no row goes into are one per type. */
  readonly own: boolean;
}

export interface NodeField {
  readonly wireType: WireType;
  /** Set where the field is a message. */
  child: MessageNode | undefined;
  /** Where its place is noted; -1 for nowhere. */
  slot: number;
  /** All of its occurrences count, and not the last alone: it is a message. */
  readonly parts: boolean;
  /** Set on repeated messages whose entries are picked by key. */
  picker: KeyPicker | undefined;
  /** It is the key by which entries are picked. */
  isKey: boolean;
  /** Slots of the other members of its oneof. */
  clears: readonly number[];
}

export interface KeyPicker {
  /** The tag of the key: one byte. */
  readonly keyTag: number;
  /** By tag of one byte: whether what follows is a text or bytes, of which nothing is to be noted. */
  readonly plainTags: readonly boolean[];
  readonly byLength: readonly (readonly Candidate[] | undefined)[];
  readonly ignoreCase: boolean;
}

interface Candidate {
  readonly bytes: Uint8Array;
  readonly slot: number;
}

/** @throws Error for a path that the type does not have: that is our bug. */
export function selectFields<T extends object>(type: IMessageType<T>, rows: readonly FieldRow[]): FieldSelection {
  const shapes = new Map<IMessageType<object>, MessageNode>();
  const root = ownNode(type, shapes);
  const firstSlots: number[] = [];
  let slots = 0;
  for (const row of rows) {
    firstSlots.push(slots);
    slots += select(type, root, row, slots, shapes);
  }
  connectOneofs(type, root);
  return { root, slots, firstSlots };
}

/** @returns the number of a field. @throws Error for a path that the type does not have: that is our bug. */
export function fieldNumber<T extends object>(type: IMessageType<T>, path: string): number {
  let holder: IMessageType<object> | undefined = type;
  let number = 0;
  for (const name of path.split(".")) {
    const info: FieldInfo | undefined = holder?.fields.find((one) => one.name === name);
    if (info === undefined) throw new Error(`${type.typeName} has no ${path}`);
    number = info.no;
    holder = info.kind === "message" ? info.T() : undefined;
  }
  return number;
}

type Shapes = Map<IMessageType<object>, MessageNode>;

/** @returns how many slots the row takes. */
function select(type: IMessageType<object>, root: MessageNode, row: FieldRow, slot: number, shapes: Shapes): number {
  let node = root;
  let holder = type;
  for (const name of row.path.split(".").slice(0, -1)) {
    const { info, field } = fieldNamed(holder, node, name);
    if (info.kind !== "message" || info.repeat) throw new Error(`${row.path}: ${name} is not one message`);
    if (!field.child?.own) field.child = ownNode(info.T(), shapes);
    node = field.child;
    holder = info.T();
  }
  const { info, field } = fieldNamed(holder, node, row.path.slice(row.path.lastIndexOf(".") + 1));
  if (row.keys !== undefined) return pick(info, field, row, row.keys, slot, shapes);
  if (info.repeat || field.slot >= 0) throw new Error(`${row.path} is repeated, or read twice`);
  field.slot = slot;
  return 1;
}

function pick(
  info: FieldInfo,
  field: NodeField,
  { path, ignoreCase = false }: FieldRow,
  keys: readonly string[],
  slot: number,
  shapes: Shapes,
): number {
  if (info.kind !== "message" || !info.repeat || field.picker) throw new Error(`${path} has no entries`);
  const node = ownNode(info.T(), shapes);
  const key = info.T().fields.find(({ name }) => name === "key" || name === "name");
  const keyField = key && node.fields[key.no];
  if (keyField === undefined) throw new Error(`the entries of ${path} have no keys`);
  keyField.isKey = true;
  field.child = node;
  field.picker = { ...tagsOf(node), ...candidatesOf(keys, slot, ignoreCase), ignoreCase };
  return keys.length;
}

const ASCII_LOWER = /^[\0-@[-\x7f]*$/;

const MAX_ONE_BYTE_TAG = 0x7f;

function tagsOf({ fields }: MessageNode): Pick<KeyPicker, "keyTag" | "plainTags"> {
  const plainTags: boolean[] = [];
  for (let tag = 0; tag <= MAX_ONE_BYTE_TAG; tag++) {
    const field = fields[tag >>> 3];
    const isText = field?.wireType === WireType.LengthDelimited && (tag & 7) === field.wireType;
    plainTags.push(isText && !field.isKey && field.child === undefined);
  }
  return { keyTag: (fields.findIndex((field) => field?.isKey) << 3) | WireType.LengthDelimited, plainTags };
}

function candidatesOf(keys: readonly string[], first: number, ignoreCase: boolean): Pick<KeyPicker, "byLength"> {
  const byLength: (Candidate[] | undefined)[] = [];
  for (const [index, key] of keys.entries()) {
    if (!key.isWellFormed() || (ignoreCase && !ASCII_LOWER.test(key))) continue;
    const bytes = Buffer.from(key, "utf8");
    const candidates = byLength[bytes.length] ?? [];
    candidates.push({ bytes, slot: first + index });
    byLength[bytes.length] = candidates;
  }
  return { byLength: Array.from(byLength) };
}

function fieldNamed(
  type: IMessageType<object>,
  node: MessageNode,
  name: string,
): { info: FieldInfo; field: NodeField } {
  const info = type.fields.find((one) => one.name === name);
  const field = info && node.fields[info.no];
  if (info === undefined || field === undefined) throw new Error(`${type.typeName} has no field ${name}`);
  return { info, field };
}

/** A node that rows may mark; the messages in it are those of the type until a row goes there. */
function ownNode(type: IMessageType<object>, shapes: Shapes): MessageNode {
  return fill({ fields: [], own: true }, type, shapes);
}

/** The node of a message that no row goes into: one per type, so that types may hold themselves. */
function shapeOf(type: IMessageType<object>, shapes: Shapes): MessageNode {
  const known = shapes.get(type);
  if (known !== undefined) return known;
  const shape: MessageNode = { fields: [], own: false };
  shapes.set(type, shape);
  return fill(shape, type, shapes);
}

function fill(node: MessageNode, type: IMessageType<object>, shapes: Shapes): MessageNode {
  const byNumber = new Map(type.fields.map((info) => [info.no, info]));
  // Without holes: it is looked into for every field of every message.
  for (let number = 0; number <= Math.max(0, ...byNumber.keys()); number++) {
    const info = byNumber.get(number);
    node.fields.push(info && nodeField(info, shapes));
  }
  return node;
}

function nodeField(info: FieldInfo, shapes: Shapes): NodeField {
  const child = info.kind === "message" ? shapeOf(info.T(), shapes) : undefined;
  return {
    wireType: wireTypeOf(info),
    child,
    slot: -1,
    parts: child !== undefined,
    picker: undefined,
    isKey: false,
    clears: [],
  };
}

function wireTypeOf(info: FieldInfo): WireType {
  if (info.kind === "message") return WireType.LengthDelimited;
  const type = info.kind === "enum" ? ScalarType.INT32 : info.kind === "scalar" ? info.T : undefined;
  if (type === ScalarType.STRING || type === ScalarType.BYTES) return WireType.LengthDelimited;
  // Maps and packed numbers are in none of our messages.
  if (type === undefined || info.repeat) throw new Error(`${info.name}: cannot be walked`);
  switch (type) {
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return WireType.Bit64;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return WireType.Bit32;
    default:
      return WireType.Varint;
  }
}

/** Tells each member of a oneof what the others have noted. */
function connectOneofs(type: IMessageType<object>, node: MessageNode): void {
  for (const info of type.fields) {
    const field = node.fields[info.no];
    if (field === undefined) continue;
    if (info.kind === "message" && field.child?.own) connectOneofs(info.T(), field.child);
    if (info.oneof === undefined) continue;
    const others = type.fields.filter((other) => other.oneof === info.oneof && other !== info);
    field.clears = others.flatMap((other) => slotsIn(node.fields[other.no]));
  }
}

/** @returns the slots of a field and of all that is in it. */
function slotsIn(field: NodeField | undefined): number[] {
  if (field === undefined) return [];
  const picked = field.picker?.byLength.flatMap((candidates) => candidates?.map(({ slot }) => slot) ?? []) ?? [];
  const inner = field.child?.own ? field.child.fields.flatMap((one) => slotsIn(one)) : [];
  return field.slot < 0 ? [...picked, ...inner] : [field.slot, ...picked, ...inner];
}
