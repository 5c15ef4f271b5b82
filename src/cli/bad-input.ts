/** Something given on the command line or in a file that makes no sense, in words for people. Ends the command with `EXIT.usage`. */
export class BadInput extends Error {}
