import { isIP } from 'node:net';

/** A range of addresses, IPv4 or IPv6, as the bits that all of them begin with. */
export interface Cidr {
  readonly version: 4 | 6;
  readonly bits: string;
}

/** Reads `10.0.0.0/24` or `2001:db8::/32`; undefined where it is neither. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.lastIndexOf('/');
  const length = text.slice(slash + 1);
  const address = slash < 0 ? undefined : parseAddress(text.slice(0, slash));
  if (!address || !/^\d{1,3}$/.test(length) || Number(length) > address.bits.length) return undefined;
  return { version: address.version, bits: address.bits.slice(0, Number(length)) };
}

/** An address as bits; undefined where the text is none. */
export function parseAddress(text: string): Cidr | undefined {
  switch (isIP(text)) {
    case 4:
      return { version: 4, bits: bitsOf(text.split('.').map(Number), 8) };
    case 6:
      return { version: 6, bits: bitsOf(groupsOf(text), 16) };
    default:
      return undefined;
  }
}

export function contains(range: Cidr, address: Cidr): boolean {
  return range.version === address.version && address.bits.startsWith(range.bits);
}

function bitsOf(groups: readonly number[], width: number): string {
  return groups.map((group) => group.toString(2).padStart(width, '0')).join('');
}

/** The eight groups of an IPv6 address, the zeros that `::` stands for and an IPv4 address at its end written out. */
function groupsOf(text: string): number[] {
  const [address = ''] = text.split('%');
  const plain = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => `${(Number(a) * 256 + Number(b)).toString(16)}:${(Number(c) * 256 + Number(d)).toString(16)}`);
  const [head = '', tail] = plain.split('::');
  const read = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const [before, after] = [read(head), read(tail ?? '')];
  return tail === undefined ? before : [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}
