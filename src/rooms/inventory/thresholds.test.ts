import { describe, expect, test } from 'vitest';
import { cancel, confirm, counted, expire, extend, fulfil, given, item, place, received, release, reserve, wait } from './testing.ts';

describe('thresholds', () => {
  test('are told of once per crossing: available 3, 0, 1, 0 crosses twice down and once up', () => {
    const story = given(item('A'), received('A', 3)).when(reserve([['A', 2]]));
    expect(story.crossed).toEqual([]);
    expect(story.when(reserve([['A', 1]])).crossed).toEqual([['down', 0, 0]]);
    expect(story.when(release(story.hold.id)).crossed).toEqual([['up', 0, 1]]);
    expect(story.when(received('A', 5)).crossed).toEqual([]);
    expect(story.when(received('A', -5)).crossed).toEqual([]);
    expect(story.when(counted('A', 2)).crossed).toEqual([['down', 0, 0]]);
    expect(story.when(counted('A', 1)).crossed).toEqual([]);
  });

  test('are said in the order in which they are passed', () => {
    const story = given(item('A', { thresholds: [5, 0, 10] }), received('A', 20)).when(reserve([['A', 15]]));
    expect(story.crossed).toEqual([['down', 10, 5], ['down', 5, 5]]);
    expect(story.when(received('A', 1)).crossed).toEqual([['up', 5, 6]]);
    expect(story.when(reserve([['A', 6]])).crossed).toEqual([['down', 5, 0], ['down', 0, 0]]);
    expect(story.when(received('A', 30)).crossed).toEqual([['up', 0, 30], ['up', 5, 30], ['up', 10, 30]]);
  });

  test('are not crossed by what comes in for the first time: nobody could have missed it', () => {
    const story = given(item('A', { thresholds: [0, 5] }), item('B', { safetyStock: 3 })).when(received('A', 2));
    expect(story.crossed).toEqual([]);
    expect(story.when(received('A', 4)).crossed).toEqual([['up', 5, 6]]);
    expect(story.when(received('B', 3)).when(item('B')).crossed).toEqual([]);
    expect(story.when(counted('B', 0)).crossed).toEqual([['down', 0, 0]]);
  });

  test('are not crossed either where all that ever came in was promised already, and its hold runs out', () => {
    const story = given(item('A', { thresholds: [0, 1], backorderLimit: 5 })).when(reserve([['A', 2]], { ttlSeconds: 60 }));
    const { id } = story.hold;
    expect(story.when(received('A', 2)).crossed).toEqual([]);
    expect(story.when(wait(60_000)).when(expire(id)).crossed).toEqual([]);
    expect(story.when(reserve([['A', 1]])).crossed).toEqual([['down', 1, 1]]);
  });

  test('may be none', () => {
    const story = given(item('A', { thresholds: [] })).when(received('A', 20));
    expect(story.crossed).toEqual([]);
  });

  test('are crossed at the fact of a hold that ran out, or before by whoever comes first', () => {
    const story = given(item('A'), received('A', 1)).when(reserve([['A', 1]], { ttlSeconds: 60 }));
    const { id } = story.hold;
    expect(story.when(wait(60_000)).when(expire(id)).crossed).toEqual([['up', 0, 1]]);
    const again = given(item('A'), received('A', 1)).when(reserve([['A', 1]], { ttlSeconds: 60 }));
    const lapsed = again.hold.id;
    expect(again.when(wait(60_000)).when(reserve([['A', 1]])).crossed).toEqual([['up', 0, 1], ['down', 0, 0]]);
    expect(again.when(expire(lapsed)).crossed).toEqual([]);
  });

  test('are crossed by orders too, but not by what leaves what is available as it is', () => {
    const story = given(item('A'), received('A', 2)).when(reserve([['A', 2]]));
    const { id } = story.hold;
    expect(story.when(extend(id, 900)).crossed).toEqual([]);
    expect(story.when(confirm(id, { orderId: 'o' })).crossed).toEqual([]);
    expect(story.when(fulfil('o', [['A', 1]])).crossed).toEqual([]);
    expect(story.when(cancel('o')).crossed).toEqual([['up', 0, 1]]);
  });

  test('are crossed by safety stock, and a new one is crossed by nothing', () => {
    const story = given(item('A'), received('A', 5));
    expect(story.when(item('A', { safetyStock: 5 })).crossed).toEqual([['down', 0, 0]]);
    expect(story.when(item('A', { safetyStock: 1, thresholds: [3, 0] })).crossed).toEqual([['up', 0, 4]]);
    expect(story.when(reserve([['A', 1]])).crossed).toEqual([['down', 3, 3]]);
    expect(story.when(item('A', { thresholds: [0] })).crossed).toEqual([]);
    expect(story.when(item('A', { thresholds: [0, 3] })).crossed).toEqual([]);
    expect(story.when(reserve([['A', 2]])).crossed).toEqual([['down', 3, 2]]);
  });

  test('are crossed for each channel with a buffer of its own', () => {
    const story = given(item('A', { channelBuffers: { web: 2 } }), received('A', 3));
    expect(story.when(reserve([['A', 1]])).crossed).toEqual([['down', 0, 0, 'web']]);
    expect(story.when(item('A', { channelBuffers: { web: 1, till: 0 } })).crossed).toEqual([['up', 0, 1, 'web']]);
    expect(story.when(reserve([['A', 2]])).crossed).toEqual([['down', 0, 0], ['down', 0, 0, 'web'], ['down', 0, 0, 'till']]);
  });

  test('are not crossed where what came in goes to those who wait', () => {
    const story = given(item('A', { backorderLimit: 5 }), reserve([['A', 2]]));
    story.when(received('A', 3)).when(reserve([['A', 3]]));
    expect(story.when(received('A', 2)).crossed).toEqual([]);
    expect(story.when(received('A', 1)).crossed).toEqual([['up', 0, 1]]);
  });

  test('are crossed by a place that opens or shuts when the item is looked at again', () => {
    const story = given(item('A'), place('L'), received('A', 2, 'L')).when(place('L', { active: false }));
    expect(story.when({ type: 'SettleItem', sku: 'A' }).crossed).toEqual([['down', 0, 0]]);
    expect(story.when(place('L')).when({ type: 'SettleItem', sku: 'A' }).crossed).toEqual([['up', 0, 2]]);
  });
});
