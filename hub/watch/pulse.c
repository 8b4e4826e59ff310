#include "hub/watch/pulse.h"

#include "proto/base/logfmt.h"

static void say(const struct mr_writer_stats *writer, bool stalled)
{
    if (stalled)
        mr_warn("hub.writer_stalled", "waiting", MR_N(writer->waiting), "commits", MR_N(writer->commits),
                "what", "a commit does not end", "cure",
                "look at the disk and the kernel's log; with WatchdogSec= the hub is ended and started "
                "again");
    else
        mr_warn("hub.writer_goes_on", "waiting", MR_N(writer->waiting), "commits", MR_N(writer->commits));
}

void mr_pulse_look(struct mr_pulse *pulse, const struct mr_writer_stats *writer)
{
    bool progress = writer->waiting == 0 || writer->attempts != pulse->attempts;
    bool beat = mr_pulse_beats(pulse);

    pulse->attempts = writer->attempts;
    if (progress)
        pulse->still = 0;
    else if (beat)
        pulse->still++;
    if (beat != mr_pulse_beats(pulse))
        say(writer, beat);
}

bool mr_pulse_beats(const struct mr_pulse *pulse)
{
    return pulse->still < MR_PULSE_LOOKS_MAX;
}
