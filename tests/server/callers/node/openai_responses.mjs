// Responses through OpenAI's own SDK: plain, streamed, tools, structured output, a picture.
import OpenAI from "openai";
import { picture, schema, tell } from "./talk.mjs";

const [url, key, model] = process.argv.slice(2);
const client = new OpenAI({ apiKey: key, baseURL: `${url}/v1`, maxRetries: 0 });
const tools = [{ type: "function", name: "weather", parameters: schema, strict: true }];
const argumentsIn = (output) =>
  output.filter((item) => item.type === "function_call").map((call) => JSON.parse(call.arguments));
const told = {};

const { data: plain, response } = await client.responses.create({ model, input: "hello" }).withResponse();
told.plain = plain.output_text;
told.usage = plain.usage.total_tokens > 0;
told.entry = response.headers.get("x-llm-id");

told.streamed = "";
for await (const event of await client.responses.create({ model, input: "hello", stream: true })) {
  if (event.type === "response.output_text.delta") told.streamed += event.delta;
  told.streamed_usage = event.type === "response.completed" && event.response.usage.total_tokens > 0;
}

const first = await client.responses.create({ model, input: "hello", tools });
told.called = argumentsIn(first.output);
const results = first.output
  .filter((item) => item.type === "function_call")
  .map((call) => ({ type: "function_call_output", call_id: call.call_id, output: "sunny" }));
const input = [{ role: "user", content: "hello" }, ...first.output, ...results];
told.answered = (await client.responses.create({ model, input, tools })).output_text;

const whole = await client.responses.stream({ model, input: "hello", tools }).finalResponse();
told.called_streamed = argumentsIn(whole.output);

const format = { type: "json_schema", name: "Weather", schema, strict: true };
const parsed = await client.responses.parse({ model, input: "hello", text: { format } });
told.structured = parsed.output_parsed ?? JSON.parse(parsed.output_text);

const content = [
  { type: "input_text", text: "what?" },
  { type: "input_image", image_url: `data:image/png;base64,${picture}`, detail: "low" },
];
told.seen = (await client.responses.create({ model, input: [{ role: "user", content }] })).output_text;
tell(told);
