-- Read the clock of this server, how many keys it has evicted, and whether it takes writes.
-- KEYS[1]  any key, which on a cluster chooses the server; it is written and deleted
-- Returns  seconds, microseconds ('' where scripts may not run TIME), run id, evicted keys, maxmemory-policy ('' without maxmemory), error
--          of a write; those of INFO are '' where scripts may not run it
local time = redis.pcall('TIME')
time = time[1] and time or {'', ''}
local function info(section)
  local found = redis.pcall('INFO', section)
  return type(found) == 'string' and found or ''
end
local function read(text, field)
  return string.match(text, field .. ':([%w-]+)') or ''
end
local id, evicted = read(info('server'), 'run_id'), read(info('stats'), 'evicted_keys')
local written = redis.pcall('SET', KEYS[1], '1', 'PX', 1000)
local refused = type(written) == 'table' and written.err or ''
if refused == '' then
  redis.pcall('DEL', KEYS[1])
end
local memory = info('memory')
local policy = read(memory, 'maxmemory') ~= '0' and read(memory, 'maxmemory_policy') or ''
return {time[1], time[2], id, evicted, policy, refused}
