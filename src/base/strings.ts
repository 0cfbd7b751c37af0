/** Of a string with one of these every character takes two bytes. */
const WIDE = /[\u0100-\uffff]/;

/** Whether V8 keeps a string with two bytes a character. */
export const isWide = (text: string): boolean => WIDE.test(text);
