-- Note that users may have left who are at no live worker: theirs was killed.
-- KEYS[1]  users who may have left, a sorted set by time in ms
-- KEYS[2…] the users at each live worker, sets
-- ARGV     Unix ms of the caller, for a Redis that refuses TIME in scripts; uids of users online
local now = redis.pcall('TIME')
now = now[1] and now[1] * 1000 + math.floor(now[2] / 1000) or ARGV[1]
for position = 2, #ARGV do
  local uid = ARGV[position]
  local is_here = false
  for worker = 2, #KEYS do
    is_here = is_here or redis.call('SISMEMBER', KEYS[worker], uid) == 1
  end
  if not is_here then
    redis.call('ZADD', KEYS[1], 'NX', now, uid)
  end
end
