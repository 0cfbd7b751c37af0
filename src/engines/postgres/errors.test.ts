import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { Bug } from '../../base/assert.ts';
import { conflict, Fault } from '../../base/errors.ts';
import { breaksConnection, translate } from './errors.ts';

function fromServer(code: string): Error {
  return Object.assign(new pg.DatabaseError('the server says no', 0, 'error'), { code, severity: 'ERROR' });
}

describe('translating what PostgreSQL reports', () => {
  test.each([
    ['23505', 'conflict', 'soon'],
    ['40001', 'conflict', 'soon'],
    ['40P01', 'conflict', 'soon'],
    ['53100', 'storage-full', 'later'],
    ['58030', 'storage-failed', 'never'],
    ['XX001', 'corrupt', 'never'],
    ['XX002', 'corrupt', 'never'],
    ['57P01', 'unavailable', 'soon'],
    ['57P02', 'unavailable', 'soon'],
    ['57P03', 'unavailable', 'soon'],
    ['08006', 'unavailable', 'soon'],
    ['40003', 'unavailable', 'soon'],
    ['25006', 'unavailable', 'later'],
    ['28P01', 'unavailable', 'never'],
    ['3D000', 'unavailable', 'never'],
    ['57014', 'overloaded', 'later'],
    ['55P03', 'overloaded', 'later'],
  ])('%s is a fault of code %s, to be tried again: %s', (state, code, retry) => {
    const cause = fromServer(state);
    const fault = translate(cause, 'append to log 3');
    expect(fault).toBeInstanceOf(Fault);
    expect(fault).toMatchObject({ code, retry });
    expect(fault.message).toMatch(/^append to log 3: /);
  });

  test('an error of the way to the server leaves the outcome unknown', () => {
    for (const error of [Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }), new Error('Connection terminated unexpectedly')]) {
      expect(translate(error, 'append')).toMatchObject({ code: 'unavailable', retry: 'soon', cause: error });
      expect(breaksConnection(error)).toBe(true);
    }
  });

  test('a statement that the server does not understand is a bug of ours, which names its SQLSTATE', () => {
    const bug = translate(fromServer('42601'), 'append');
    expect(bug).toBeInstanceOf(Bug);
    expect(bug.message).toContain('42601');
  });

  test('faults of our own pass as they are and leave the connection in use', () => {
    const fault = conflict('append');
    expect(translate(fault, 'something else')).toBe(fault);
    expect(breaksConnection(fault)).toBe(false);
  });

  test('a connection is given up after a shutdown or a change to read only, and kept after a conflict', () => {
    expect(['57P01', '25006', '08006'].map((state) => breaksConnection(fromServer(state)))).toEqual([true, true, true]);
    expect(['23505', '53100', '40P01'].map((state) => breaksConnection(fromServer(state)))).toEqual([false, false, false]);
  });
});
