-- Note which users are connected to a worker; write an event for each who comes online.
-- KEYS[1]  the users at this worker, a set
-- KEYS[2]  all users online, a set
-- KEYS[3]  users who may have left, a sorted set by time in ms
-- KEYS[4]  events, a stream
-- ARGV     how many ms the first set lives, how many events are kept, Unix ms of the caller, for a
--          Redis that refuses TIME in scripts; then for each user:
--          uid, and 1 for connected or 0 for no connection
local now = redis.pcall('TIME')
now = now[1] and now[1] * 1000 + math.floor(now[2] / 1000) or ARGV[3]
for i = 4, #ARGV, 2 do
  local uid = ARGV[i]
  if ARGV[i + 1] == '1' then
    redis.call('SADD', KEYS[1], uid)
    redis.call('ZREM', KEYS[3], uid)
    if redis.call('SADD', KEYS[2], uid) == 1 then
      redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[2], '*', 'user', uid, 'is_online', 1, 'at', now)
    end
  else
    redis.call('SREM', KEYS[1], uid)
    if redis.call('SISMEMBER', KEYS[2], uid) == 1 then
      redis.call('ZADD', KEYS[3], now, uid)
    end
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
