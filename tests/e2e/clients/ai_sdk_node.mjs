// The AI SDK: its provider for OpenAI, which speaks responses, and the one for servers like it, which speaks chat.
import { existsSync } from 'node:fs';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { experimental_generateImage as generateImage, generateText, streamText } from 'ai';

const [url, key, step, what] = process.argv.slice(2);
const compatible = createOpenAICompatible({ name: 'imagerag', baseURL: url, apiKey: key });
const models = { chat: compatible('imagerag'), responses: createOpenAI({ baseURL: url, apiKey: key })('imagerag') };
const owl = [{ role: 'user', content: 'an owl' }];
const once = { maxRetries: 0 };
const told = [];

const whole = async (model, messages) => (await generateText({ model, messages, ...once })).text;
const streamed = async (model, messages) => {
  let text = '';
  let wrong;
  const stream = streamText({ model, messages, ...once, onError: ({ error }) => (wrong = error) });
  for await (const piece of stream.textStream) text += piece;
  if (wrong) throw wrong;
  return text;
};
const held = async () => {
  while (!existsSync(process.env.HELD)) await new Promise((resolve) => setTimeout(resolve, 50));
};

if (step === 'cancel') {
  const controller = new AbortController();
  const { signal: abortSignal } = controller;
  held().then(() => controller.abort());
  const calls = {
    'chat stream': async () => {
      const stream = streamText({ model: models.chat, messages: owl, abortSignal, onError: () => {} });
      for await (const _ of stream.textStream);
    },
    chat: () => generateText({ model: models.chat, messages: owl, abortSignal, ...once }),
    responses: () => generateText({ model: models.responses, messages: owl, abortSignal, ...once }),
    images: () => generateImage({ model: compatible.imageModel('imagerag'), prompt: 'an owl', abortSignal, ...once }),
  };
  await calls[what]().catch(() => {});
  console.log(JSON.stringify([`${abortSignal.aborted}`]));
  process.exit(0);
}
for (const model of Object.values(models)) {
  if (step === 'error') {
    const wrong = { role: 'user', content: what };
    for (const ask of [whole, streamed]) {
      told.push(await ask(model, [wrong]).catch((error) => `${error.message ?? JSON.stringify(error)}`));
      told.push(await ask(model, [wrong, { role: 'user', content: 'a cat' }]));
    }
    continue;
  }
  const first = await generateText({ model, messages: owl, ...once });
  if (step === 'draw') {
    told.push(first.text);
    continue;
  }
  told.push(await whole(model, [...owl, ...first.response.messages, { role: 'user', content: 'make it red' }]));
}
if (step === 'draw') {
  const made = await generateImage({ model: compatible.imageModel('imagerag'), prompt: 'an owl' });
  if (made.image.uint8Array.length < 100) told.push('');
}
console.log(JSON.stringify(told));
