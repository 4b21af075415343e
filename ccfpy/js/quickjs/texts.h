/* Texts, most of which are ASCII: looked at in words, as the engine looks at bytes. Part
   of engine.c. */

#define NOT_ASCII 0x8080808080808080u

static int is_ascii(const void *text, size_t length)
{
    const uint8_t *next = text, *last = next + length;

    if (length >= sizeof(word)) {
        for (; next < last - 4 * sizeof(word); next += 4 * sizeof(word)) {
            const word *words = (const word *)next;
            if ((words[0] | words[1] | words[2] | words[3]) & NOT_ASCII)
                return 0;
        }
        for (; next < last - sizeof(word); next += sizeof(word))
            if (*(const word *)next & NOT_ASCII)
                return 0;
        return !(*(const word *)(last - sizeof(word)) & NOT_ASCII);
    }
    while (next < last)
        if (*next++ & 0x80)
            return 0;
    return 1;
}

/* Of UTF-8, as `JS_NewStringLen` reads it. */
static JSValue new_text(JSContext *ctx, const char *text, size_t length)
{
    if (length <= JS_STRING_LEN_MAX && is_ascii(text, length))
        return js_new_string8_len(ctx, text, length);
    return JS_NewStringLen(ctx, text, length);
}

/* The characters of a text that is in one piece and ASCII, or NULL. */
static const char *ascii_of(JSValueConst value, size_t *length)
{
    JSString *text;

    if (JS_VALUE_GET_TAG(value) != JS_TAG_STRING)
        return NULL;
    text = JS_VALUE_GET_STRING(value);
    if (text->is_wide_char || !is_ascii(text->u.str8, text->len))
        return NULL;
    *length = text->len;
    return (const char *)text->u.str8;
}
