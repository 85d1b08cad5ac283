/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Types for values that the peer can write.
 *
 * Such a value may be anything, at any time, and differ at the next look. Its
 * type is __bitwise, so sparse refuses arithmetic and comparison on it; the
 * only ways out are the functions below, each of which states what was checked.
 * Messages copied out of a ring, and everything else read from shared memory,
 * keep these types for their fields until decoded.
 *
 * In the other direction, tandem_peer32(v) and its siblings make such a value;
 * they are macros because the type has the same name.
 */
#ifndef TANDEM_RING_PEER_H
#define TANDEM_RING_PEER_H

#include <linux/types.h>

typedef u8 __bitwise tandem_peer8;
typedef u16 __bitwise tandem_peer16;
typedef u32 __bitwise tandem_peer32;
typedef u64 __bitwise tandem_peer64;

/**
 * tandem_peer8_make() - make a value for the peer to read
 * @v: plain value
 *
 * Return: @v, typed as shared.
 */
static inline tandem_peer8 tandem_peer8_make(u8 v)
{
	return (__force tandem_peer8)v;
}

#define tandem_peer8(v)	tandem_peer8_make(v)

/**
 * tandem_peer16_make() - make a value for the peer to read
 * @v: plain value
 *
 * Return: @v, typed as shared.
 */
static inline tandem_peer16 tandem_peer16_make(u16 v)
{
	return (__force tandem_peer16)v;
}

#define tandem_peer16(v)	tandem_peer16_make(v)

/**
 * tandem_peer32_make() - make a value for the peer to read
 * @v: plain value
 *
 * Return: @v, typed as shared.
 */
static inline tandem_peer32 tandem_peer32_make(u32 v)
{
	return (__force tandem_peer32)v;
}

#define tandem_peer32(v)	tandem_peer32_make(v)

/**
 * tandem_peer64_make() - make a value for the peer to read
 * @v: plain value
 *
 * Return: @v, typed as shared.
 */
static inline tandem_peer64 tandem_peer64_make(u64 v)
{
	return (__force tandem_peer64)v;
}

#define tandem_peer64(v)	tandem_peer64_make(v)

/**
 * tandem_peer8_raw() - take a value for which every bit pattern is legal
 * @v: value written by the peer, already in private memory
 *
 * For what is only handed on or compared for equality. A value that is used as
 * an index, a length or a count goes through tandem_peer8_max().
 *
 * Return: the plain value, unchecked.
 */
static inline u8 tandem_peer8_raw(tandem_peer8 v)
{
	return (__force u8)v;
}

/**
 * tandem_peer16_raw() - take a value for which every bit pattern is legal
 * @v: value written by the peer, already in private memory
 *
 * See tandem_peer8_raw().
 *
 * Return: the plain value, unchecked.
 */
static inline u16 tandem_peer16_raw(tandem_peer16 v)
{
	return (__force u16)v;
}

/**
 * tandem_peer32_raw() - take a value for which every bit pattern is legal
 * @v: value written by the peer, already in private memory
 *
 * See tandem_peer8_raw(); grant references and 32-bit handles are the usual
 * case.
 *
 * Return: the plain value, unchecked.
 */
static inline u32 tandem_peer32_raw(tandem_peer32 v)
{
	return (__force u32)v;
}

/**
 * tandem_peer64_raw() - take a value for which every bit pattern is legal
 * @v: value written by the peer, already in private memory
 *
 * See tandem_peer8_raw(); a request's id, which a backend only echoes, is the
 * usual case.
 *
 * Return: the plain value, unchecked.
 */
static inline u64 tandem_peer64_raw(tandem_peer64 v)
{
	return (__force u64)v;
}

/**
 * tandem_peer8_max() - take a value that must not exceed a limit
 * @v: value written by the peer, already in private memory
 * @max: largest legal value
 * @out: receives the plain value; written only on success
 *
 * Return: false if @v is above @max.
 */
static inline bool tandem_peer8_max(tandem_peer8 v, u8 max, u8 *out)
{
	if ((__force u8)v > max)
		return false;
	*out = (__force u8)v;
	return true;
}

/**
 * tandem_peer16_max() - take a value that must not exceed a limit
 * @v: value written by the peer, already in private memory
 * @max: largest legal value
 * @out: receives the plain value; written only on success
 *
 * Return: false if @v is above @max.
 */
static inline bool tandem_peer16_max(tandem_peer16 v, u16 max, u16 *out)
{
	if ((__force u16)v > max)
		return false;
	*out = (__force u16)v;
	return true;
}

/**
 * tandem_peer32_max() - take a value that must not exceed a limit
 * @v: value written by the peer, already in private memory
 * @max: largest legal value
 * @out: receives the plain value; written only on success
 *
 * Return: false if @v is above @max.
 */
static inline bool tandem_peer32_max(tandem_peer32 v, u32 max, u32 *out)
{
	if ((__force u32)v > max)
		return false;
	*out = (__force u32)v;
	return true;
}

/**
 * tandem_peer64_max() - take a value that must not exceed a limit
 * @v: value written by the peer, already in private memory
 * @max: largest legal value
 * @out: receives the plain value; written only on success
 *
 * Return: false if @v is above @max.
 */
static inline bool tandem_peer64_max(tandem_peer64 v, u64 max, u64 *out)
{
	if ((__force u64)v > max)
		return false;
	*out = (__force u64)v;
	return true;
}

#endif /* TANDEM_RING_PEER_H */
