-- Count the connections of a user on a channel at one worker; publish joins and leaves.
-- KEYS[1]  the presence of the channel at this worker, a hash: uid to number of connections
-- KEYS[2…] the same at the other live workers
-- ARGV     uid, number of connections now, how many ms the hash lives, control channel,
--          control message of a join, control message of a leave
-- Returns  1 after a join, -1 after a leave, 0 otherwise
local uid, count, lives, control, came, went = unpack(ARGV)
count = tonumber(count)
local was_here = redis.call('HEXISTS', KEYS[1], uid) == 1
if count > 0 then
  redis.call('HSET', KEYS[1], uid, count)
  redis.call('PEXPIRE', KEYS[1], lives)
else
  redis.call('HDEL', KEYS[1], uid)
end
if was_here == (count > 0) then
  return 0
end

for other = 2, #KEYS do
  if redis.call('HEXISTS', KEYS[other], uid) == 1 then
    return 0
  end
end
redis.call('PUBLISH', control, count > 0 and came or went)
return count > 0 and 1 or -1
