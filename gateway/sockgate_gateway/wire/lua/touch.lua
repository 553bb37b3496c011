-- Publish a touch: count it, and publish it with its mark.
-- KEYS[1]  the mark of the channel, a number
-- ARGV     Redis channel, number to begin with (random), how many ms the mark lives;
--          PUBLISH or SPUBLISH, else PUBLISH
-- Returns  how many workers received it
-- Where the mark cannot be written (memory is full, or the key holds something else), the touch is
-- published without one, and pages fetch once more than they need.
local channel, first, lives, publish = unpack(ARGV)
redis.pcall('SET', KEYS[1], first, 'NX')
local mark = redis.pcall('INCR', KEYS[1])
local data = 'null'
if type(mark) == 'number' then
  redis.call('PEXPIRE', KEYS[1], lives)
  -- Never tostring(): Lua writes large numbers as 1e+15.
  data = string.format('{"touched":%.0f}', mark)
end
return redis.call(publish or 'PUBLISH', channel, '{"event":"touch","data":' .. data .. '}')
