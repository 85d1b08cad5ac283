// SPDX-License-Identifier: GPL-2.0-only
/*
 * common/ring under the relacy model checker.
 *
 * Every scenario is searched exhaustively: all interleavings, and for each load
 * all the values that the memory model allows. First as the code is, when none
 * may fail; then with each ordered place of ring.h weakened in turn, when the
 * scenario that depends on it must. Indices start just below 2^32.
 *
 *	ring_model		run everything, print KTAP
 *	ring_model NAME		run one scenario unweakened, print its history
 *	ring_model NAME PLACE	the same, weakened
 */
#include <climits>
#include <cstdio>
#include <cstring>
#include <ostream>
#include <streambuf>

#include <linux/array_size.h>

#include "common/ring/ring.h"

int model_weak;
u32 model_page[16 + MODEL_SLOTS] __aligned(8);
struct model_memory *model_memory;

static const u32 start = 0U - 1;

/*
 * Two threads, a ring of @slots with entries of one word, and the rule by which
 * a message's number gives its contents.
 */
template <typename scenario, u32 slots>
struct ring_scenario : rl::test_suite<scenario, 2> {
	struct model_memory memory;
	struct tandem_front_ring front;
	struct tandem_back_ring back;

	/*
	 * As after @start messages, with @taken more requests on their way.
	 * Both ends are awake: the events that they asked for have been sent.
	 */
	void setup(u32 taken)
	{
		model_memory = &memory;
		tandem_front_ring_init(&front, model_page, 64 + 4 * slots, 4);
		tandem_back_ring_init(&back, model_page, 64 + 4 * slots, 4);
		front.rsp_cons = start;
		front.req_prod = start + taken;
		front.req_pushed = start + taken;
		back.rsp_prod = start;
		back.rsp_pushed = start;
		back.req_cons = start + taken;
		memory.index[0].store(start + taken, rl::mo_relaxed, $);
		memory.index[1].store(start + taken, rl::mo_relaxed, $);
		memory.index[2].store(start, rl::mo_relaxed, $);
		memory.index[3].store(start, rl::mo_relaxed, $);
		for (u32 i = 0; i < MODEL_SLOTS; i++)
			memory.slot[i]($) = 0;
	}

	static u32 request(u32 n)
	{
		return n * 2 + 100;
	}

	static u32 response(u32 n)
	{
		return n * 2 + 101;
	}

	bool send_request()
	{
		u32 msg = request(front.req_prod);

		tandem_front_ring_write(&front, &msg, sizeof(msg));
		return tandem_front_ring_push(&front);
	}

	bool send_response()
	{
		u32 msg = response(back.rsp_prod);

		tandem_back_ring_respond(&back, &msg, sizeof(msg));
		return tandem_back_ring_push(&back);
	}

	u32 take_requests()
	{
		int n = tandem_back_ring_pending(&back);
		u32 msg;

		RL_ASSERT(n >= 0);
		for (int i = 0; i < n; i++) {
			tandem_back_ring_read(&back, &msg, 0, sizeof(msg));
			RL_ASSERT(msg == request(back.req_cons));
			tandem_back_ring_next(&back);
		}
		return n;
	}

	u32 take_responses()
	{
		int n = tandem_front_ring_pending(&front);
		u32 msg;

		RL_ASSERT(n >= 0);
		for (int i = 0; i < n; i++) {
			tandem_front_ring_read(&front, &msg, 0, sizeof(msg));
			RL_ASSERT(msg == response(front.rsp_cons));
			tandem_front_ring_next(&front);
		}
		return n;
	}
};

/* MP: a request that is counted is there, whole. */
struct requests_arrive : ring_scenario<requests_arrive, 2> {
	void before()
	{
		setup(0);
	}

	void thread(unsigned int who)
	{
		if (who == 0) {
			send_request();
			send_request();
		} else {
			take_requests();
			take_requests();
		}
	}
};

/* MP in the other direction. */
struct responses_arrive : ring_scenario<responses_arrive, 2> {
	void before()
	{
		setup(2);
	}

	void thread(unsigned int who)
	{
		if (who == 0) {
			take_responses();
			take_responses();
		} else {
			send_response();
			send_response();
		}
	}
};

/*
 * MP both ways round one slot: the next request may overwrite the slot only
 * after the last one has been read from it, and its response too.
 */
struct slots_are_reused : ring_scenario<slots_are_reused, 1> {
	void before()
	{
		setup(0);
	}

	void thread(unsigned int who)
	{
		if (who == 0) {
			send_request();
			for (int i = 0; i < 3; i++)
				if (take_responses() && i < 2)
					send_request();
		} else {
			for (int i = 0; i < 3; i++)
				if (take_requests())
					send_response();
		}
	}
};

/* SB: who goes to sleep with a request behind his back gets an event. */
struct request_wakes : ring_scenario<request_wakes, 2> {
	bool asleep, event;

	void before()
	{
		setup(0);
		asleep = false;
		event = false;
	}

	void thread(unsigned int who)
	{
		if (who == 0) {
			event |= send_request();
			event |= send_request();
		} else {
			take_requests();
			asleep = !tandem_back_ring_arm(&back, 1);
		}
	}

	void after()
	{
		RL_ASSERT(!asleep || event || back.req_cons == start + 2);
	}
};

/* SB in the other direction. */
struct response_wakes : ring_scenario<response_wakes, 2> {
	bool asleep, event;

	void before()
	{
		setup(2);
		asleep = false;
		event = false;
	}

	void thread(unsigned int who)
	{
		if (who == 0) {
			take_responses();
			asleep = !tandem_front_ring_arm(&front, 1);
		} else {
			event |= send_response();
			event |= send_response();
		}
	}

	void after()
	{
		RL_ASSERT(!asleep || event || front.rsp_cons == start + 2);
	}
};

/* With an event for two messages, one may wait, but two may not. */
struct moderated_requests_wake : ring_scenario<moderated_requests_wake, 2> {
	bool asleep, event;

	void before()
	{
		setup(0);
		asleep = false;
		event = false;
	}

	void thread(unsigned int who)
	{
		if (who == 0) {
			event |= send_request();
			event |= send_request();
		} else {
			asleep = !tandem_back_ring_arm(&back, 2);
		}
	}

	void after()
	{
		RL_ASSERT(!asleep || event);
	}
};

/* The same for responses. */
struct moderated_responses_wake : ring_scenario<moderated_responses_wake, 2> {
	bool asleep, event;

	void before()
	{
		setup(2);
		asleep = false;
		event = false;
	}

	void thread(unsigned int who)
	{
		if (who == 0) {
			asleep = !tandem_front_ring_arm(&front, 2);
		} else {
			event |= send_response();
			event |= send_response();
		}
	}

	void after()
	{
		RL_ASSERT(!asleep || event);
	}
};

/* A peer that changes its producer at will gets an error, and no more. */
struct absurd_producer_is_seen : ring_scenario<absurd_producer_is_seen, 2> {
	void before()
	{
		setup(0);
	}

	void thread(unsigned int who)
	{
		if (who == 0) {
			memory.index[0].store(start + 3, rl::mo_relaxed, $);
			memory.index[0].store(start - 1, rl::mo_relaxed, $);
			memory.index[0].store(start + 0x7fffffff,
					      rl::mo_relaxed, $);
		} else {
			int n = tandem_back_ring_pending(&back);

			RL_ASSERT(n == 0 || n == -EPROTO);
			if (n < 0)
				RL_ASSERT(tandem_back_ring_arm(&back, 1));
		}
	}
};

struct scenario {
	const char *name;
	bool (*simulate)(rl::test_params &params);
};

#define SCENARIO(name) { #name, rl::simulate<name> }

static const struct scenario scenarios[] = {
	SCENARIO(requests_arrive),
	SCENARIO(responses_arrive),
	SCENARIO(slots_are_reused),
	SCENARIO(request_wakes),
	SCENARIO(response_wakes),
	SCENARIO(moderated_requests_wake),
	SCENARIO(moderated_responses_wake),
	SCENARIO(absurd_producer_is_seen),
};

#define PLACE(place, scenario) { place, #place, #scenario }

/* Each place, and each scenario that must notice its absence. */
static const struct weakening {
	enum tandem_ring_place place;
	const char *name;
	const char *scenario;
} weakenings[] = {
	PLACE(TANDEM_FRONT_PUBLISH, requests_arrive),
	PLACE(TANDEM_FRONT_PUBLISH, slots_are_reused),
	PLACE(TANDEM_BACK_CONSUME, requests_arrive),
	PLACE(TANDEM_BACK_CONSUME, slots_are_reused),
	PLACE(TANDEM_BACK_PUBLISH, responses_arrive),
	PLACE(TANDEM_BACK_PUBLISH, slots_are_reused),
	PLACE(TANDEM_FRONT_CONSUME, responses_arrive),
	PLACE(TANDEM_FRONT_CONSUME, slots_are_reused),
	PLACE(TANDEM_FRONT_PUSH, request_wakes),
	PLACE(TANDEM_FRONT_PUSH, moderated_requests_wake),
	PLACE(TANDEM_BACK_ARM, request_wakes),
	PLACE(TANDEM_BACK_ARM, moderated_requests_wake),
	PLACE(TANDEM_BACK_PUSH, response_wakes),
	PLACE(TANDEM_BACK_PUSH, moderated_responses_wake),
	PLACE(TANDEM_FRONT_ARM, response_wakes),
	PLACE(TANDEM_FRONT_ARM, moderated_responses_wake),
};

static const struct scenario *find(const char *name)
{
	for (const struct scenario &s : scenarios)
		if (!strcmp(name, s.name))
			return &s;
	return NULL;
}

/*
 * What the checker says, as far as it fits. Not a stringstream: the checker
 * replaces the operators new and delete, and the library's own strings do not
 * survive that.
 */
static struct : std::streambuf {
	char text[1 << 20];

	void reset()
	{
		setp(text, text + sizeof(text) - 1);
	}

	const char *c_str()
	{
		*pptr() = '\0';
		return text;
	}
} said;

static void comment(const char *text, int lines)
{
	for (; *text && lines; lines--) {
		int len = strcspn(text, "\n");

		printf("# %.*s\n", len, text);
		text += len + (text[len] == '\n');
	}
}

static bool run(const struct scenario *s, int weak,
		rl::test_params *params)
{
	std::ostream out(&said);

	said.reset();
	params->search_type = rl::sched_full;
	params->iteration_count = ULONG_MAX;
	params->output_stream = &out;
	params->progress_stream = &out;
	params->progress_output_period = UINT_MAX;
	model_weak = weak;
	return s->simulate(*params);
}

static int run_all(void)
{
	size_t test = 0, failed = 0;

	printf("KTAP version 1\n1..%zu\n", ARRAY_SIZE(scenarios) + ARRAY_SIZE(weakenings));
	for (const struct scenario &s : scenarios) {
		rl::test_params params;
		bool fine = run(&s, MODEL_STRONG, &params);

		if (!fine)
			comment(said.c_str(), 80);
		failed += !fine;
		printf("%s %zu %s # %llu executions\n", fine ? "ok" : "not ok",
		       ++test, s.name,
		       (unsigned long long)params.stop_iteration);
		fflush(stdout);
	}
	for (const struct weakening &w : weakenings) {
		rl::test_params params;
		bool found = !run(find(w.scenario), w.place, &params);

		failed += !found;
		printf("%s %zu %s without %s fails # %s in execution %llu\n",
		       found ? "ok" : "not ok", ++test, w.scenario, w.name,
		       rl::test_result_str(params.test_result),
		       (unsigned long long)params.stop_iteration);
		fflush(stdout);
	}
	return failed ? 1 : 0;
}

int main(int argc, char **argv)
{
	int weak = MODEL_STRONG;
	const struct scenario *s;
	rl::test_params params;
	bool fine;

	if (argc < 2)
		return run_all();
	s = find(argv[1]);
	for (const struct weakening &w : weakenings)
		if (argc > 2 && !strcmp(argv[2], w.name))
			weak = w.place;
	if (!s || (argc > 2 && weak == MODEL_STRONG)) {
		fprintf(stderr, "no such scenario or place\n");
		return 2;
	}
	fine = run(s, weak, &params);
	fputs(said.c_str(), stdout);
	return fine ? 0 : 1;
}
