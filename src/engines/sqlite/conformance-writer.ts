/** The child that the conformance kit kills: `node conformance-writer.ts <directory> <partitions> <workers|inline>`. */
import { writeForever } from '../../store/conformance/endless-writer.ts';
import { openSqlite } from './sqlite.ts';

const [directory = '', partitions = '', threads = ''] = process.argv.slice(2);
await writeForever(await openSqlite({ directory, partitions: Number(partitions), threads: threads === 'inline' ? 'inline' : 'workers' }));
