// MCP's Inspector, by its command line.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const [url, key, step] = process.argv.slice(2);
const home = dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/inspector/package.json'));

function inspect(args, early = false) {
  const command = [join(home, 'cli/build/cli.js'), '--cli', url.replace(/v1$/, 'mcp'), '--transport', 'http'];
  const child = spawn(process.execPath, [...command, '--header', `Authorization: Bearer ${key}`, ...args]);
  let out = '';
  let wrong = '';
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (wrong += data));
  if (early) setTimeout(() => child.kill(), early);
  return new Promise((resolve) => child.on('close', () => resolve(early ? {} : JSON.parse(out || JSON.stringify({ wrong })))));
}

const create = (...args) => ['--method', 'tools/call', '--tool-name', 'create_image', ...args.flatMap((a) => ['--tool-arg', a])];
const words = (result) => (result.content ?? []).filter((block) => block.type === 'text').map((block) => block.text).join('\n');
if (step === 'draw') {
  const { tools } = await inspect(['--method', 'tools/list']);
  console.log(JSON.stringify([tools.length === 10 ? words(await inspect(create('prompt=an owl'))) : '']));
} else if (step === 'redraw') {
  const first = await inspect(create('prompt=an owl'));
  const again = await inspect(create('prompt=make it red', `thread=${first.structuredContent.thread}`));
  console.log(JSON.stringify([`${again.structuredContent.prompt} ${words(again)}`]));
} else if (step === 'error') {
  const result = await inspect(create('prompt= '));
  console.log(JSON.stringify([result.isError ? words(result) : JSON.stringify(result)]));
} else {
  await inspect(create('prompt=an owl'), 6000);
  console.log(JSON.stringify(['left']));
}
