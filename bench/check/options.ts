import { InvalidArgumentError } from "commander";

/** @returns what commander asks to read a number within bounds. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}`);
    return value;
  };
}

/** The same for several, separated by commas. */
export function wholeNumbers(least: number, most: number): (text: string) => readonly number[] {
  const one = wholeNumber(least, most);
  return (text) => text.split(",").map(one);
}
