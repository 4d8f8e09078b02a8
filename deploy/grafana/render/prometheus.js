// Queries of a panel, and their results as data frames.

export async function query(url, expression, { from, to, step, instant }) {
  const asked = instant
    ? { query: expression, time: to }
    : { query: expression, start: from, end: to, step };
  const path = instant ? 'query' : 'query_range';
  const answer = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(asked)}`);
  const body = await answer.json();
  if (body.status !== 'success') throw new Error(`${expression}: ${body.error}`);
  return body.data.result;
}

export function asFrames(result, target, several) {
  return target.format === 'table' ? [asTable(result, target, several)] : result.map((each) => asSeries(each, target));
}

function asSeries(each, target) {
  const samples = each.values ?? [each.value];
  const name = (target.legendFormat ?? '').replace(/{{(\w+)}}/g, (_, label) => each.metric[label] ?? '');
  return {
    refId: target.refId,
    fields: [
      { name: 'Time', type: 'time', values: samples.map(([seconds]) => seconds * 1000), config: {} },
      {
        name: 'Value', type: 'number', values: samples.map(([, value]) => Number(value)), labels: each.metric,
        config: name ? { displayNameFromDS: name } : {},
      },
    ],
  };
}

function asTable(result, target, several) {
  const labels = [...new Set(result.flatMap((each) => Object.keys(each.metric)))].sort();
  return {
    refId: target.refId,
    fields: [
      { name: 'Time', type: 'time', values: result.map((each) => each.value[0] * 1000), config: {} },
      ...labels.map((label) => ({
        name: label, type: 'string', values: result.map((each) => each.metric[label] ?? ''), config: {},
      })),
      {
        name: several ? `Value #${target.refId}` : 'Value', type: 'number',
        values: result.map((each) => Number(each.value[1])), config: {},
      },
    ],
  };
}
