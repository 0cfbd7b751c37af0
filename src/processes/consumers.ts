import type { Clock } from '../base/clock.ts';
import { Consumer, type Engine } from '../runtime/runtime.ts';
import type { Store } from '../store/store.ts';
import { BundleThresholds } from './bundle-thresholds/bundle-thresholds.ts';
import { lowStock } from './low-stock/low-stock.ts';
import { Pricing, type PricingOptions } from './pricing/pricing.ts';
import type { Command } from './rooms.ts';

/** Whoever follows the log for a purpose of its own, beside the views and the feed. */
export interface Consumers extends AsyncDisposable {
  /** Which items are low. */
  readonly lowStock: Consumer;
  readonly pricing: Pricing;
  /** Tells of thresholds that bundles cross. */
  readonly bundles: Consumer;
}

export interface ConsumersOptions {
  readonly store: Store;
  readonly engine: Engine<Command>;
  readonly views: PricingOptions['views'];
  readonly clock: Clock;
  /** The name of this process among those that share the store. */
  readonly node: string;
  /** The only folder that modules of policies are loaded from, or `off`; anywhere where undefined. */
  readonly modules?: string | undefined;
  readonly onTrouble?: ((message: string) => void) | undefined;
  /** `later`: what is decided here is heard by the next process that works on the store. */
  readonly hear?: 'now' | 'later' | undefined;
}

/** Starts them all. A further one is named here and nowhere else. */
export function startConsumers({ store, engine, views, clock, node, modules, onTrouble, hear = 'now' }: ConsumersOptions): Consumers {
  const common = { store, engine, clock, holder: node, onTrouble };
  const alert = new Consumer({ ...common, listener: lowStock() });
  const pricing = new Pricing({ ...common, views, modules });
  const bundleThresholds = new BundleThresholds(common);
  const bundles = new Consumer({ ...common, listener: bundleThresholds });
  if (hear === 'now') {
    alert.start();
    pricing.start();
    bundles.start();
  }
  return {
    lowStock: alert,
    pricing,
    bundles,
    async [Symbol.asyncDispose]() {
      await alert[Symbol.asyncDispose]();
      await pricing[Symbol.asyncDispose]();
      await bundles[Symbol.asyncDispose]();
      bundleThresholds.standBy();
    },
  };
}
