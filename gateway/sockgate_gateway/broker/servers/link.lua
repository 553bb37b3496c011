-- Return the generation of a new link to a Redis that refuses INFO in scripts.
-- KEYS[1]  the last generation, and the identity of the server of its link: "<generation> <identity>"
-- ARGV     Unix ms of the caller; identity of the server, '' where it is not known
--          without KEYS and ARGV, only whether INFO is refused is answered
-- Returns  0 where scripts may run INFO, so that history.lua finds out whether the server was replaced;
--          else the generation, 1 without ARGV
-- A server that was replaced may lack the last publications. So each link has a higher generation
-- than all before it, unless its server is known to be that of the last one.
local info = redis.pcall('INFO', 'replication')
if type(info) == 'string' and string.find(info, 'master_replid:%w') then
  return 0
end
local now, identity = tonumber(ARGV[1]), ARGV[2]
if not now then
  return 1
end
local found = redis.call('GET', KEYS[1])
local last, former = string.match(found or '', '^(%d+) (%w*)$')
if last and identity ~= '' and former == identity then
  return tonumber(last)
end
-- Another server of a cluster may have lost the last generation: the time is greater all the same.
local generation = math.max(now, (tonumber(last) or 0) + 1)
-- Without memory for it, the next links have a higher one by their time.
redis.pcall('SET', KEYS[1], string.format('%.0f ', generation) .. identity)
return generation
