import { describe, expect, test } from 'vitest';
import { readConfig } from './config.ts';

const DAY = 86_400_000;
const archiveOf = (args: readonly string[], env: Readonly<Record<string, string>> = {}) => readConfig(args, env).archive;
const POSTGRES = { HOLDFAST_ENGINE: 'postgres', HOLDFAST_DATABASE_URL: 'postgres://user@127.0.0.1/shop' };

describe('when old commits move to the archive', () => {
  test('after 30 days beside an embedded store, and never deleted, unless somebody says otherwise', () => {
    expect(archiveOf([])).toEqual({ afterMs: 30 * DAY, keepMs: undefined });
    expect(archiveOf(['--archive-after', '12h', '--archive-keep', '2d'])).toEqual({ afterMs: DAY / 2, keepMs: 2 * DAY });
    expect(archiveOf([], { HOLDFAST_ARCHIVE_AFTER: '90s', HOLDFAST_ARCHIVE_KEEP: '15m' })).toEqual({ afterMs: 90_000, keepMs: 900_000 });
    expect([archiveOf(['--archive-after', 'off']), archiveOf(['--archive-after', '0s'])]).toEqual(['off', { afterMs: 0, keepMs: undefined }]);
    expect(archiveOf(['--archive-after', '1d'], { HOLDFAST_ARCHIVE_AFTER: 'off' })).toMatchObject({ afterMs: DAY });
  });

  test('on postgres not at all without a directory that all nodes see', () => {
    expect(archiveOf([], POSTGRES)).toBe('off');
    expect(archiveOf(['--archive-dir', '/mnt/archive'], POSTGRES)).toMatchObject({ afterMs: 30 * DAY });
    expect(() => archiveOf(['--archive-after', '7d'], POSTGRES)).toThrow('--archive-dir');
  });

  test.each([
    [['--archive-after', 'soon'], '30d'],
    [['--archive-after', '-1d'], 'archive-after'],
    [['--archive-after', '1.5d'], '30d'],
    [['--archive-keep', '99999999d'], '--archive-keep'],
    [['--archive-after', '30d', '--archive-keep', '30d'], 'longer than --archive-after'],
  ])('%j is refused with what to write instead', (args, words) => {
    expect(() => archiveOf(args)).toThrow(words);
  });
});

const capsOf = (env: Readonly<Record<string, string>>): unknown => readConfig([], env).holdCaps;

describe('bounds on live holds', () => {
  test('are off unless set', () => {
    expect([capsOf({}), capsOf({ HOLDFAST_LIVE_HOLDS_PER_CUSTOMER: 'off', HOLDFAST_LIVE_HOLDS_PER_KEY: '' })]).toEqual([undefined, undefined]);
  });

  test('are a number of holds, or of holds and of units', () => {
    expect(capsOf({ HOLDFAST_LIVE_HOLDS_PER_CUSTOMER: '5', HOLDFAST_LIVE_HOLDS_PER_KEY: '1000/20000' })).toEqual({ customer: { holds: 5 }, key: { holds: 1_000, units: 20_000 } });
  });

  test.each(['0', '-1', '5/', '/5', '1.5', 'many', '5/6/7'])('are not %j, and the message says what to write instead', (text) => {
    expect(() => capsOf({ HOLDFAST_LIVE_HOLDS_PER_KEY: text })).toThrow('HOLDFAST_LIVE_HOLDS_PER_KEY must be off, a number of holds, or <holds>/<units>');
  });
});

describe('bounds on what waits', () => {
  const boundsOf = (env: Readonly<Record<string, string>>): unknown[] => [readConfig([], env).waitingCommandsMax, readConfig([], env).pipelinedMax];

  test('are numbers, and those of their floors unless set', () => {
    expect(boundsOf({})).toEqual([undefined, undefined]);
    expect(boundsOf({ HOLDFAST_WAITING_COMMANDS: '5000', HOLDFAST_PIPELINED_REQUESTS: '16' })).toEqual([5_000, 16]);
  });

  test.each(['0', '-1', '1.5', 'many', '10000000'])('are not %j', (text) => {
    expect(() => boundsOf({ HOLDFAST_WAITING_COMMANDS: text })).toThrow('HOLDFAST_WAITING_COMMANDS must be a number from 1 to 9999999');
  });
});

describe('modules of pricing policies', () => {
  const modulesOf = (env: Readonly<Record<string, string>>): unknown => readConfig([], env).modules;

  test('come from anywhere unless a folder is named, or none may', () => {
    expect([modulesOf({}), modulesOf({ HOLDFAST_MODULES: '' }), modulesOf({ HOLDFAST_MODULES: 'off' }), modulesOf({ HOLDFAST_MODULES: '/srv/prices' })]).toEqual([undefined, undefined, 'off', '/srv/prices']);
  });
});

const redisOf = (env: Readonly<Record<string, string>>): unknown => readConfig([], env).redis;

describe('where prices are copied', () => {
  test('is nowhere unless a Redis is named, and below a prefix of its own', () => {
    expect([redisOf({}), redisOf({ HOLDFAST_REDIS_URL: '' })]).toEqual([undefined, undefined]);
    expect(redisOf({ HOLDFAST_REDIS_URL: 'redis://cache:6379/2' })).toEqual({ url: 'redis://cache:6379/2', prefix: 'holdfast:' });
    expect(redisOf({ HOLDFAST_REDIS_URL: 'rediss://cache', HOLDFAST_REDIS_PREFIX: 'shop-1:' })).toEqual({ url: 'rediss://cache', prefix: 'shop-1:' });
  });

  test.each(['cache:6379', 'http://cache', 'redis'])('is not %j', (url) => {
    expect(() => redisOf({ HOLDFAST_REDIS_URL: url })).toThrow('HOLDFAST_REDIS_URL must be like redis://127.0.0.1:6379');
    expect(() => redisOf({ HOLDFAST_REDIS_URL: 'redis://cache', HOLDFAST_REDIS_PREFIX: 'my shop' })).toThrow('HOLDFAST_REDIS_PREFIX');
  });
});
