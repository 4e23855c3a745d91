import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { cameIn } from "../../state/arrive.ts";
import { useModel } from "../../state/model.ts";
import { reasonOf } from "../../state/notes.ts";
import type { Parley } from "../../state/parley.ts";
import { type Words, words } from "../../words/index.ts";

/** Way is a way in. */
export type Way = "signIn" | "signUp" | "asGuest";

interface Filled {
  name: string;
  password: string;
  shownAs: string;
}

const minPasswordBytes = 8;

// enter takes a way in; what it returns instead says what is wrong.
async function enter(client: Parley, way: Way, { name, password, shownAs }: Filled): Promise<string | undefined> {
  const w = words.peek();
  try {
    switch (way) {
      case "signIn":
        await client.signIn(name, password);
        break;
      case "signUp":
        if (new TextEncoder().encode(password).length < minPasswordBytes) return w.passwordShort;
        await client.signUp(name, password, shownAs || undefined);
        break;
      case "asGuest":
        await client.signInGuest(shownAs);
    }
  } catch (err) {
    return way === "signUp" && (err as { reason?: string }).reason === "CONFLICT" ? w.nameTaken : reasonOf(err);
  }
  cameIn.value = way === "signIn" ? "back" : "first";
  return undefined;
}

/** Entry is the form of one way in. */
export function Entry({ way }: { way: Way }) {
  const { client } = useModel();
  const wrong = useSignal("");
  const busy = useSignal(false);
  const w = words.value;

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (busy.value) return;
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const read = (name: string) => String(form.get(name) ?? "");
    busy.value = true;
    wrong.value = "";
    wrong.value =
      (await enter(client, way, { name: read("name").trim(), password: read("password"), shownAs: read("shownAs").trim() })) ?? "";
    busy.value = false;
  };

  return (
    <form class="entry" onSubmit={submit}>
      {way === "asGuest" ? (
        <Field name="shownAs" label={w.guestName} hint={w.guestHint} autocomplete="nickname" required maxLength={64} />
      ) : (
        <>
          <Field name="name" label={w.name} hint={way === "signUp" ? w.nameHint : ""} autocomplete="username" required maxLength={64} />
          {way === "signUp" && <Field name="shownAs" label={w.shownAs} optional={w.optional} autocomplete="nickname" maxLength={64} />}
          <Field
            name="password"
            type="password"
            label={w.password}
            hint={way === "signUp" ? w.passwordHint : ""}
            autocomplete={way === "signUp" ? "new-password" : "current-password"}
            required
          />
        </>
      )}
      <p class="wrong" role="alert">
        {wrong.value}
      </p>
      <button type="submit" class="button main" disabled={busy.value}>
        {busy.value ? w.busy : doing(w, way)}
      </button>
    </form>
  );
}

const doing = (w: Words, way: Way): string => ({ signIn: w.signInDo, signUp: w.signUpDo, asGuest: w.asGuestDo })[way];

interface FieldProps {
  name: string;
  label: string;
  hint?: string;
  optional?: string;
  type?: "text" | "password";
  autocomplete: string;
  required?: boolean;
  maxLength?: number;
}

function Field({ name, label, hint, optional, type = "text", ...rest }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>
        {label} {optional && <small>{optional}</small>}
      </label>
      <input
        id={id}
        name={name}
        type={type as "text"}
        class="input"
        dir="auto"
        autocapitalize="none"
        spellcheck={false}
        aria-describedby={hint ? `${id}-hint` : undefined}
        {...rest}
      />
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}
