// MCP's Inspector, by its command line.
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const [url, key, step] = process.argv.slice(2);
const launcher = 'node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js';
const program = join(import.meta.dirname, launcher);

function inspect(args) {
  const command = [program, '--cli', url.replace(/v1$/, 'mcp'), '--transport', 'http'];
  const child = spawn(process.execPath, [...command, '--header', `Authorization: Bearer ${key}`, ...args]);
  let out = '';
  let wrong = '';
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (wrong += data));
  const told = () => {
    try {
      return JSON.parse(out);
    } catch {
      return { out, wrong };
    }
  };
  return new Promise((resolve) => child.on('close', () => resolve(told())));
}

const create = (...args) => [
  ...['--method', 'tools/call', '--tool-name', 'create_image'],
  ...args.flatMap((each) => ['--tool-arg', each]),
];
const words = (result) =>
  (result.content ?? [])
    .filter((block) => block.type === 'text')
    .map((block) => block.text)
    .join('\n') || JSON.stringify(result);
if (step === 'draw') {
  const listed = await inspect(['--method', 'tools/list']);
  console.log(JSON.stringify([listed.tools ? words(await inspect(create('prompt=an owl'))) : words(listed)]));
} else if (step === 'redraw') {
  const first = await inspect(create('prompt=an owl'));
  const again = await inspect(create('prompt=make it red', `thread=${first.structuredContent?.thread}`));
  console.log(JSON.stringify([`${again.structuredContent?.prompt} ${words(again)}`]));
} else {
  console.log(JSON.stringify([words(await inspect(create('prompt= ')))]));
}
