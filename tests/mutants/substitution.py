"""SQL that changes a function of the schema, whatever else stands in it."""


def substitute(function: str, passage: str, replacement: str) -> str:
    """Return SQL that replaces the one passage that matches a regular expression; none or several are an error."""
    return f"""
        DO $mutant$
        DECLARE
            source  text    := pg_get_functiondef('{function}'::regprocedure);
            matches integer := regexp_count(source, $passage${passage}$passage$);
        BEGIN
            IF matches <> 1 THEN
                RAISE EXCEPTION '{function} has % passages like %', matches, $passage${passage}$passage$;
            END IF;
            EXECUTE regexp_replace(source, $passage${passage}$passage$, $passage${replacement}$passage$);
        END
        $mutant$
    """


def answer(function: str, expression: str) -> str:
    """Return SQL that has a function of the context answer this, whatever it did before."""
    return f"""
        DO $mutant$
        BEGIN
            EXECUTE format(
                'CREATE OR REPLACE FUNCTION {function} RETURNS %s LANGUAGE plpgsql STABLE PARALLEL RESTRICTED '
                'SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS %L',
                pg_get_function_result('{function}'::regprocedure),
                $passage$BEGIN RETURN {expression}; END$passage$
            );
        END
        $mutant$
    """
