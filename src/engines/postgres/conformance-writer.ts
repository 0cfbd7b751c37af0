/** The child process that the conformance kit kills: writes to the store at a URL and schema, for ever. */
import { writeForever } from '../../store/conformance/endless-writer.ts';
import { PARTITIONS } from '../../store/conformance/harness.ts';
import { openPostgres } from './postgres.ts';

const [url = '', schema = ''] = process.argv.slice(2);
await writeForever(await openPostgres({ url, schema, partitions: PARTITIONS }));
