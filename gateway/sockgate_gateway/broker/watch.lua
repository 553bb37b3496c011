-- Read the clock of this server, and how many keys it has evicted.
-- KEYS[1]  any key, which on a cluster chooses the server; it is not touched
-- ARGV[1]  1: read the evictions, too
-- Returns  seconds, microseconds, run id, evicted keys, maxmemory-policy; the last three are '' where
--          the Redis user may not run INFO
local time = redis.call('TIME')
if ARGV[1] ~= '1' then
  return {time[1], time[2], '', '', ''}
end
local function read(section, field)
  local found = redis.pcall('INFO', section)
  return type(found) == 'string' and string.match(found, field .. ':([%w-]+)') or ''
end
return {
  time[1], time[2], read('server', 'run_id'), read('stats', 'evicted_keys'),
  read('memory', 'maxmemory_policy'),
}
