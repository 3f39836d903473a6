// MCP's TypeScript SDK.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const [url, key, step] = process.argv.slice(2);
const client = new Client({ name: 'test', version: '1' });
const headers = { Authorization: `Bearer ${key}` };
await client.connect(new StreamableHTTPClientTransport(new URL(url.replace(/v1$/, 'mcp')), { requestInit: { headers } }));
const call = (args, options) => client.callTool({ name: 'create_image', arguments: args }, undefined, options);
const words = (result) => result.content.filter((block) => block.type === 'text').map((block) => block.text).join('\n');

if (step === 'draw') {
  const result = await call({ prompt: 'an owl' });
  const pictures = result.content.filter((block) => block.type === 'image');
  console.log(JSON.stringify([pictures.length ? words(result) : '']));
} else if (step === 'redraw') {
  const first = await call({ prompt: 'an owl' });
  const result = await call({ prompt: 'make it red', thread: first.structuredContent.thread });
  console.log(JSON.stringify([`${result.structuredContent.prompt} ${words(result)}`]));
} else if (step === 'error') {
  const result = await call({ prompt: ' ' });
  console.log(JSON.stringify([result.isError ? words(result) : '']));
} else {
  await call({ prompt: 'an owl' }, { signal: AbortSignal.timeout(3000) }).catch((error) => {
    console.log(JSON.stringify([error.message]));
  });
  await new Promise((resolve) => setTimeout(resolve, 500));
}
await client.close();
