// MCP's Inspector, by its command line.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const [url, key, step, what] = process.argv.slice(2);
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

const tool = (name, ...args) => [
  ...['--method', 'tools/call', '--tool-name', name],
  ...args.flatMap((each) => ['--tool-arg', each]),
];
const create = (...args) => inspect(tool('create_image', ...args));
const words = (result) =>
  (result.content ?? [])
    .filter((block) => block.type === 'text')
    .map((block) => block.text)
    .join('\n') || JSON.stringify(result);
if (step === 'draw') {
  const listed = await inspect(['--method', 'tools/list']);
  console.log(JSON.stringify([words(listed.tools ? await create('prompt=an owl') : listed)]));
} else if (step === 'redraw') {
  const first = await create('prompt=an owl');
  const again = await create('prompt=make it red', `thread=${first.structuredContent?.thread}`);
  console.log(JSON.stringify([`${again.structuredContent?.prompt} ${words(again)}`]));
} else if (step === 'error') {
  const thread = `thread=${(await create('prompt=a dog')).structuredContent?.thread}`;
  const wrong = await create(`prompt=${what}`, thread);
  console.log(JSON.stringify([wrong.isError ? words(wrong) : '', words(await create('prompt=a cat', thread))]));
} else {
  const started = (await inspect(tool('start_image', 'prompt=an owl'))).structuredContent;
  while (!existsSync(process.env.HELD)) await new Promise((resolve) => setTimeout(resolve, 50));
  console.log(JSON.stringify([words(await inspect(tool('cancel_image', `run_id=${started?.run_id}`)))]));
}
