// The AI SDK: its provider for OpenAI, which speaks responses, and the one for servers like it, which speaks chat.
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { experimental_generateImage as generateImage, generateText, streamText } from 'ai';

const [url, key, step] = process.argv.slice(2);
const compatible = createOpenAICompatible({ name: 'imagerag', baseURL: url, apiKey: key });
const models = [compatible('imagerag'), createOpenAI({ baseURL: url, apiKey: key })('imagerag')];
const owl = [{ role: 'user', content: 'an owl' }];
const told = [];

if (step === 'cancel') {
  const abortSignal = AbortSignal.timeout(3000);
  const stream = streamText({ model: models[0], messages: owl, abortSignal, onError: () => {} });
  for await (const _ of stream.textStream);
  console.log(JSON.stringify([`${abortSignal.aborted}`]));
  process.exit(0);
}
for (const model of models) {
  try {
    const first = await generateText({
      model,
      messages: step === 'error' ? [{ role: 'user', content: ' ' }] : owl,
      maxRetries: 0,
    });
    if (step !== 'redraw') {
      told.push(first.text);
      continue;
    }
    const red = { role: 'user', content: 'make it red' };
    told.push((await generateText({ model, messages: [...owl, ...first.response.messages, red], maxRetries: 0 })).text);
  } catch (error) {
    told.push(`${error.message}`);
  }
}
if (step === 'draw') {
  const made = await generateImage({ model: compatible.imageModel('imagerag'), prompt: 'an owl' });
  if (made.image.uint8Array.length < 100) told.push('');
}
console.log(JSON.stringify(told));
