-- Sends the cookies of a file in turn, one line for each visitor; without a file, none.
local requests, next_one = {}, 0

function init(args)
  local path, file = args[1], args[2]
  if file then
    for line in io.lines(file) do
      requests[#requests + 1] = wrk.format("GET", path, { Host = "127.0.0.1", Cookie = line })
    end
  else
    requests[1] = wrk.format("GET", path, { Host = "127.0.0.1" })
  end
end

function request()
  next_one = next_one % #requests + 1
  return requests[next_one]
end

function done(summary, latency, _)
  local errors = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status + summary.errors.timeout
  io.write(string.format('\n{"requests":%d,"microseconds":%d,"errors":%d}\n', summary.requests, summary.duration, errors))
end
