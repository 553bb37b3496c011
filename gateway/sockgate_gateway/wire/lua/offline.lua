-- Write an event for each user who has left for so long and is at no live worker.
-- KEYS[1]  all users online, a set
-- KEYS[2]  users who may have left, a sorted set by time in ms
-- KEYS[3]  events, a stream
-- KEYS[4…] the users at each live worker, sets
-- ARGV     for how many ms they must have left, how many users at most, how many events are kept,
--          Unix ms of the caller, for a Redis that refuses TIME in scripts
-- Returns  how many users were checked
local now = redis.pcall('TIME')
now = now[1] and now[1] * 1000 + math.floor(now[2] / 1000) or ARGV[4]
local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])
for i = 1, #due, 2 do
  local uid, at, is_here = due[i], due[i + 1], false
  for worker = 4, #KEYS do
    is_here = is_here or redis.call('SISMEMBER', KEYS[worker], uid) == 1
  end
  redis.call('ZREM', KEYS[2], uid)
  if not is_here and redis.call('SREM', KEYS[1], uid) == 1 then
    redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[3], '*', 'user', uid, 'is_online', 0, 'at', at)
  end
end
return #due / 2
