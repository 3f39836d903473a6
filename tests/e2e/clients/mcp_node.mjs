// MCP's TypeScript SDK.
import { existsSync } from 'node:fs';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const [url, key, step, what] = process.argv.slice(2);
const client = new Client({ name: 'test', version: '1' });
const headers = { Authorization: `Bearer ${key}` };
await client.connect(new StreamableHTTPClientTransport(new URL(url.replace(/v1$/, 'mcp')), { requestInit: { headers } }));
const call = (args, options, name = 'create_image') => client.callTool({ name, arguments: args }, undefined, options);
const words = (result) => result.content.filter((block) => block.type === 'text').map((block) => block.text).join('\n');
const held = async () => {
  while (!existsSync(process.env.HELD)) await new Promise((resolve) => setTimeout(resolve, 50));
};

if (step === 'draw') {
  const result = await call({ prompt: 'an owl' });
  const pictures = result.content.filter((block) => block.type === 'image');
  console.log(JSON.stringify([pictures.length ? words(result) : '']));
} else if (step === 'redraw') {
  const first = await call({ prompt: 'an owl' });
  const result = await call({ prompt: 'make it red', thread: first.structuredContent.thread });
  console.log(JSON.stringify([`${result.structuredContent.prompt} ${words(result)}`]));
} else if (step === 'error') {
  const thread = (await call({ prompt: 'a dog' })).structuredContent.thread;
  const result = await call({ prompt: what, thread });
  console.log(JSON.stringify([result.isError ? words(result) : '', words(await call({ prompt: 'a cat', thread }))]));
} else if (what === 'by a tool') {
  const started = (await call({ prompt: 'an owl' }, undefined, 'start_image')).structuredContent;
  await held();
  const result = await call({ run_id: started.run_id }, undefined, 'cancel_image');
  console.log(JSON.stringify([words(result)]));
} else {
  const controller = new AbortController();
  held().then(() => controller.abort());
  await call({ prompt: 'an owl' }, { signal: controller.signal }).catch((error) => {
    console.log(JSON.stringify([error.message]));
  });
  await new Promise((resolve) => setTimeout(resolve, 500));
}
await client.close();
